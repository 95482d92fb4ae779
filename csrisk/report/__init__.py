"""Reports for reviewers: one offline HTML file, Markdown, JSON and CSV; and a page for the customer."""

from csrisk.report._value_page import write_value_page
from csrisk.report._write import write_report

__all__ = ["write_report", "write_value_page"]
