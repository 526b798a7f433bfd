"""A host for function_app.py on one machine, without Azure Functions Core Tools."""
