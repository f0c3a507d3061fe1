"""What stands between the lines: reasons, remarks, common mistakes, terms."""
