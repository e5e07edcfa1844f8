"""Problems that end after H steps."""
