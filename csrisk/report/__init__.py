"""Reports for reviewers: one offline HTML file, Markdown, JSON and CSV; and a page for the customer."""

from csrisk.report._call import FurtherParts, ModelFacts, ReportForm, write_report
from csrisk.report._value_page import write_value_page
from csrisk.report._write import write_parts as write_parts  # what the pipeline calls; people group it

__all__ = ["FurtherParts", "ModelFacts", "ReportForm", "write_report", "write_value_page"]
