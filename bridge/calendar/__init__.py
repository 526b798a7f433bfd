"""What depends on the time of the day or the calendar: hours, maintenance, expectations, summaries."""
