"""What browsers may do with our pages (Content-Security-Policy); all else is forbidden to them."""

PAGE_POLICY = {
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
}
FORM_POLICY = {**PAGE_POLICY, "form-action": ["'self'"]}
