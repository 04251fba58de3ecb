"""Reports: runs as HTML pages, and as charts for print.

A page is a value (`search.report.document`) before it is rendered. Its charts are drawn by the script of the page
and, for papers, by matplotlib, from the same numbers.
"""
