"""How posts get into groups through Microsoft Graph."""
