"""What the portal hands out to keep: guides and reports as PDF, audit packages. Made of answers of the public API alone."""
