"""Reports for reviewers: one offline HTML file, Markdown and JSON."""
