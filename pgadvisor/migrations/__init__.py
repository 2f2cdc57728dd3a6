"""Index advice as a migration file: plain SQL, Alembic or Django, with the way back."""
