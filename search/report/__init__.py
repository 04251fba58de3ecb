"""Runs as pages and figures for people: one file that opens anywhere, and charts for print.

A page is a value (`search.report.document`) before it is drawn: its charts are drawn by the page's own script, and
by matplotlib for papers, from the same numbers.
"""
