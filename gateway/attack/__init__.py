"""The red-team kit where it needs the whole domain: what people, scenarios, the record and the API must withstand."""
