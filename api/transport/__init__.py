"""HTTP mechanics around the routes: middleware, access control, rate limit, OpenAPI document and error formats."""
