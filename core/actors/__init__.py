"""Who may do what in a home: grant and revoke roles."""
