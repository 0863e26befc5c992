"""`deliver report`: one file that tells a release. chart.py says what is to be drawn, draw.py draws it, page.py writes the page."""
