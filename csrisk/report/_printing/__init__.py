"""From what a report says to a file: HTML, Markdown, JSON, CSV, drawings, figures."""
