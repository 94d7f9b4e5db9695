"""Bodies that come in and answers that go out. Bodies refuse unknown fields; answers always hold every field."""
