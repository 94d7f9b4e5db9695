"""What the portal prints: transport guides and reports as PDF. Each is made of answers of the public API alone."""
