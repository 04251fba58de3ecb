"""Result tables: selection of rows and columns, and their formats."""
