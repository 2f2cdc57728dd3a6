UPDATE ${schema}.orders SET email = '${default_email}' WHERE email IS NULL;
