"""How the pages reach the API, and how they are written."""
