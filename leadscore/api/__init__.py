"""What all of the API has in common: its error shape, its rendering and its OpenAPI document."""
