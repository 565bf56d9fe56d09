"""Content security policies of pages; the default of settings.py forbids everything else."""

PAGE_POLICY = {
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
}
FORM_POLICY = {**PAGE_POLICY, "form-action": ["'self'"]}
