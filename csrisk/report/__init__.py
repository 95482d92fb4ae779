"""Reports for reviewers: one offline HTML file, Markdown, JSON and CSV."""

from csrisk.report._write import write_report

__all__ = ["write_report"]
