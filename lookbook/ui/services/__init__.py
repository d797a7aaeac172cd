"""Services behind the pages and the API: search, visitors. None of them imports gradio."""
