"""How many rows a census file may have: known to the service and to the process that opens a workbook for it."""

# 60,000 trees and what people write above and between them.
MAX_ROWS = 60_100
