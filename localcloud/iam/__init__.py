"""Identity and Access Management: policies with their roles and members, custom roles, service accounts."""
