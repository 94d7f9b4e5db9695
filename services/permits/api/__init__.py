"""The HTTP door of permits: parse, load, decide, save, answer."""
