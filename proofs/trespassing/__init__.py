"""What somebody needs who wants to get in where he may not: certificates, requests, patience."""
