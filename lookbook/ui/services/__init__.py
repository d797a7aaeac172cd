"""What the pages ask for, without gradio."""
