"""The room with windows: every byte in or out passes here, and no decision is taken."""
