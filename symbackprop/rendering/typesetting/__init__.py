"""What sets a page on paper: TeX and Typst, and the fields of a PDF."""
