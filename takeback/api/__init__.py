"""What the HTTP APIs share: views, errors, parsing, fields, pagination, idempotency and OpenAPI."""
