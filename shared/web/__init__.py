"""What every service needs in front of its routes, and the only room that knows the web framework."""
