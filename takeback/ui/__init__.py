"""User interface shared by all pages: base templates, styles, content security policy."""
