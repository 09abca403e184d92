"""HTTP around the routes: request reading, middleware, access control, error responses and the OpenAPI document."""
