"""The pages for institution, operator, developers and security staff, in Chinese and English."""
