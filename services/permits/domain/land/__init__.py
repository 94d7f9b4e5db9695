"""Land on a map: drawn, judged, repaired with consent, measured, and laid over other land. No files, no rows."""
