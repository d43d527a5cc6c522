"""forms.py: definitions edited on the screen."""
