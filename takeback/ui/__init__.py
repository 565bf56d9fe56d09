"""What all pages share: base templates, styles and the content security policy."""
