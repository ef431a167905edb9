/// Keys generated with `openssl` for these tests. They protect nothing.
enum TestKeys {
  /// PKCS #8, 2048 bits.
  static let pkcs8 = """
    -----BEGIN PRIVATE KEY-----
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCOLmL/D5vSsZTQ
    VMT6tcUD/aMmduQxt6Cc6BszsJWR0jPsKXJrPQ2k6eo41dhvoF8eipIJHkdXf0yW
    K9UKs9+PDjrx1waWOm57qNkm6/+vGZrph3ALhxWgLS2a7NqpKu2dEqaB7BDGHFlC
    sY+u/9a9aKcXgCNfr+2UENbNbaD7r9RZurV1h0AT8wDQ2YBp1NrqvPfySFCtURlh
    JC7kvsKDMGfd0EjRNkY+IjEPm39rICFirvSePW9b77/WSsZcZ6pq9GRVCBAAIAHA
    ZT+JzABHfL5TusIVJ0i2VT0WQK+ZTIGQ6k7FwvAyQvJS8AWHxWj+91te52+aFK9r
    v0u+Z1ONAgMBAAECggEADN6cNyi5oSW4ae6wxJEm2KVUNIgz2cY2MEDk+W9+uMWV
    Z2DnCorq5oyfyiFp8//ieQuJvwm+sAGFtENNoNutA2NoqKxSD2lEx9+xBdAvabEm
    vJ2pFPoKVi0D53XDlk1pVzuxcHaNAomqKk3Gyv9wXhIQRQgw63/eptwRVv3l21iP
    8xKmYww8pHGGz2o7haMS7WqUJ6TAqn0n4L0VxDtrJgkcbajacxNRAHkT7g4e3Ahl
    e0zRvD/cyEfEtENIfMRZzF1AyEXqINP4KUIwnLM/x1TTBY8IO2Itx840ytLNuGYC
    0+lgUfSlxsMZokwSCEhBcOTYFKD20jfswqogGlLUtwKBgQDHc73dznaPnq1wLNTK
    SkfIhMP1hLKrmU9cBBlX65yfYfDTe2HqkZxJM7zJrlw0dwBMWPnV0yhSWELpQYLt
    Tj4XBbVx+qn/53dPleQN8f+8zVyWt5n+U7kLmD7O2+k7BI8f5F4D65GgfIxlmBIP
    F0z3MAur/sZfKmNs46HLoU6EGwKBgQC2feo9cCvD4yij4tQm2qmwg7Xnlsev364s
    +/QoQCmxyzUkWL5dQBT+hXMCr07mvbHeQqM47M3NdeQyupFYX5t1hvlA7JtnRIWY
    GElmW+rq4ooB5tgjs5YFRozkKSPkUWUdi09ROHqpHRrdIL4x6LWmfWSOBsZUHfnz
    fmOCCUhxdwKBgQCHhsoZEdXWOUg41P2yh07Hng9ZoVWW7JHUQKTH7T17v51Y1pnu
    PgsoYpOBp4zXyZTWTA9XkCfx7C9rOCyy+1uNYT+tt1oUnT+hQIS6RRo1PIYRk6h7
    /H/ctRLYlO2iQLLQROjtWQCXQIpV7kM3JeoSfP8xW+mHeNIeh37FU1J6yQKBgGoN
    hsEpnOV777Q+L9hcntyrzlzF7UoyDYCq81so3pIqa7mxsP90LD81wn6+7nV9rA5k
    X4LHa1qJtpIchjb7aNbGF7g5SJ6c3Z5kDtPjewQBnv4370fgJ8DtHRfDKM6Y1tBy
    kye6UN5SwbfcPWu3t0kH+hXnrf5YZVeyDZYWWvlFAoGAVVwHun3jRzyU6JVMCqY9
    Mec0pLAB8xehrTYa1lRx+oLQvs5Oza+H7jApSjXLvr3L88HHZaiUA3BzbUi9b9/w
    ydkHlCTqhWfGIZtWGJa4IHzR73SNNuMiVy52fyyd6mlm5FpN7Wy2nZYVjfiGOIkI
    UIfyleooCZsIWZgJNlLegEY=
    -----END PRIVATE KEY-----
    """

  /// The same key in PKCS #1.
  static let pkcs1 = """
    -----BEGIN RSA PRIVATE KEY-----
    MIIEowIBAAKCAQEAji5i/w+b0rGU0FTE+rXFA/2jJnbkMbegnOgbM7CVkdIz7Cly
    az0NpOnqONXYb6BfHoqSCR5HV39MlivVCrPfjw468dcGljpue6jZJuv/rxma6Ydw
    C4cVoC0tmuzaqSrtnRKmgewQxhxZQrGPrv/WvWinF4AjX6/tlBDWzW2g+6/UWbq1
    dYdAE/MA0NmAadTa6rz38khQrVEZYSQu5L7CgzBn3dBI0TZGPiIxD5t/ayAhYq70
    nj1vW++/1krGXGeqavRkVQgQACABwGU/icwAR3y+U7rCFSdItlU9FkCvmUyBkOpO
    xcLwMkLyUvAFh8Vo/vdbXudvmhSva79LvmdTjQIDAQABAoIBAAzenDcouaEluGnu
    sMSRJtilVDSIM9nGNjBA5PlvfrjFlWdg5wqK6uaMn8ohafP/4nkLib8JvrABhbRD
    TaDbrQNjaKisUg9pRMffsQXQL2mxJrydqRT6ClYtA+d1w5ZNaVc7sXB2jQKJqipN
    xsr/cF4SEEUIMOt/3qbcEVb95dtYj/MSpmMMPKRxhs9qO4WjEu1qlCekwKp9J+C9
    FcQ7ayYJHG2o2nMTUQB5E+4OHtwIZXtM0bw/3MhHxLRDSHzEWcxdQMhF6iDT+ClC
    MJyzP8dU0wWPCDtiLcfONMrSzbhmAtPpYFH0pcbDGaJMEghIQXDk2BSg9tI37MKq
    IBpS1LcCgYEAx3O93c52j56tcCzUykpHyITD9YSyq5lPXAQZV+ucn2Hw03th6pGc
    STO8ya5cNHcATFj51dMoUlhC6UGC7U4+FwW1cfqp/+d3T5XkDfH/vM1clreZ/lO5
    C5g+ztvpOwSPH+ReA+uRoHyMZZgSDxdM9zALq/7GXypjbOOhy6FOhBsCgYEAtn3q
    PXArw+Moo+LUJtqpsIO155bHr9+uLPv0KEApscs1JFi+XUAU/oVzAq9O5r2x3kKj
    OOzNzXXkMrqRWF+bdYb5QOybZ0SFmBhJZlvq6uKKAebYI7OWBUaM5Ckj5FFlHYtP
    UTh6qR0a3SC+Mei1pn1kjgbGVB35835jgglIcXcCgYEAh4bKGRHV1jlIONT9sodO
    x54PWaFVluyR1ECkx+09e7+dWNaZ7j4LKGKTgaeM18mU1kwPV5An8ewvazgssvtb
    jWE/rbdaFJ0/oUCEukUaNTyGEZOoe/x/3LUS2JTtokCy0ETo7VkAl0CKVe5DNyXq
    Enz/MVvph3jSHod+xVNSeskCgYBqDYbBKZzle++0Pi/YXJ7cq85cxe1KMg2AqvNb
    KN6SKmu5sbD/dCw/NcJ+vu51fawOZF+Cx2taibaSHIY2+2jWxhe4OUienN2eZA7T
    43sEAZ7+N+9H4CfA7R0XwyjOmNbQcpMnulDeUsG33D1rt7dJB/oV563+WGVXsg2W
    Flr5RQKBgFVcB7p940c8lOiVTAqmPTHnNKSwAfMXoa02GtZUcfqC0L7OTs2vh+4w
    KUo1y769y/PBx2WolANwc21IvW/f8MnZB5Qk6oVnxiGbVhiWuCB80e90jTbjIlcu
    dn8sneppZuRaTe1stp2WFY34hjiJCFCH8pXqKAmbCFmYCTZS3oBG
    -----END RSA PRIVATE KEY-----
    """

  /// The same key in PKCS #8, with a passphrase.
  static let encryptedPKCS8 = """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI7wX7mj1yPPACAggA
    MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBA+Oc3Akg6yB0eHvyOuaww0BIIE
    0By0mojquL/iJK4Hl2gMmln5E7e0sFEB9O7nmoqjzh8ldE2IZ4R8JOvPK8qINsSC
    vbuhlB455DDkpZvtPZIvWLaFBN/il+gO6YQNJ64nyQgl+pCkE3L0xhI0/vTStolB
    fe2dTc70F+S+LktiWvqkYyymmNqe5Bu8STXZNlpPEkdCi0qn8uWi+FPRPg9iqVuD
    PDWnQnqYacLI5UuFRdGkPdR7M7uTurj/iI41v1E8Z+GoPitCTlBcR8N+qD5wmx7l
    6+6/1P6WzPscYqvW8uvwsJsz/CbAFlXN5CglBxbmLiOCVPG3JtkP98FF6POyS6Me
    IgsX5YDLossBcUHQXLun4TAoUW44ycsJbXgSFeockdbBncE+ygoofP61MtWfYIh1
    LAV171z6jOe0lV3Bj9tEUyRWPmoYkCWywYTMrEMg7XuhdDijL4K6cO7xqyPIhLA6
    3kF2p+6W7Wsyfk3TLj73GDKq93rW8cb2I2ppZ8FAVC6yE6k6C/THHzcB3it4pnCs
    msIufw/e9/KESZaHrF3HEb9BmzYaUSPQGHVoIHFwKE4DIwe2OgMwLWJzBPOLG9tI
    5NiISGZRWRkX6mn3FzSwdupA7XweTHjptmGJyB4gFZKkPFwMCEY1NBc/lAoyQeYA
    87AiGnI4YpHsSsee8jbQco1EO5KQopTk+x/kvTvWOlmuMq6pIlRPZewTZNM3mDyb
    QHb/fMwrCraAR3mWqMNRki/n+j90FXts/L8/odhagAjeOdFQpA7Mj3Uo1xSwq2bj
    roEe4XfOoICCZS/bkGQuYqcktr6zD9LdsXyU+HPevwHtco66QnINLi6uFt3xGZys
    eOa2iGDdM5Jm+U4zSgRqVUeI2YOaq2b2WOPuuEJLu4CVitttQ1lFQs//dRXqWb2m
    vGL6jr5wqW0cULylk/JNS6iPMbcV8FEmwuwpXPN1o2Jjfbbmuul9ZZ0cYDgzedoF
    auGrGc6tmzgaYaAq/60159QT3uWIxU6Gk9QDLcof4ueuBRBNgVLc4rxr/mE+WXT0
    /uLXbXsF12KB4Temz5nWjG4BcNXn0rckZzgk/EZoc2sJhK5OJt+YZ7bjmvg4aZdY
    ov0xzAWBn+0ikUkpfo7rg0UkjrdNwjOTrdSpJlu6G7vievsJWvsOyRN5pRM9XThV
    Q1bc/Ql7RE8+T3CLedYDp8XXdd+nyqC8U67MbPBWNgJadU2qu5Cv7E/74pDev7o5
    2DP/K2Cub6Ir6N81qwkNl14xcfy4ot6Mnt94jccLtWkAhpA+F6fgX9eaT6b0M6ca
    KCfcW2v313tto25m9K6FJ0Lzz8E2VxbGAUaENXaaag43VeS8DAMrwB1UvHWLhPPW
    bjYb/1d6+wfIIdzMSr39n1lOM/YMIiRvGyYpPY0nWUL/Sz1IrPThd4qCPgKzMGmd
    sT1VH0DLaP1o+3e05OBDWXdMWjTVvl8ckkEpCKbpN1C9tQu6C3hC4pW5uieTsfPO
    es6r9CPYFwnamV9ZdtdIg/SPxcr45LsEweW+KhbrPGtFqN4U2Vt2mP+7V2rXv9Vu
    jUqkG3FDx6roXszC75VZtoa8IpwsijUjTubpBgnHzRSQ8e3DWSYXVsGPbQSg159n
    2zPvdfMlHK7BUsIJuoIlAJ2l9hvm2u2HVlQ3GxVjSDB3
    -----END ENCRYPTED PRIVATE KEY-----
    """

  /// The same key in encrypted PKCS #1 (RFC 1421).
  static let encryptedPKCS1 = """
    -----BEGIN RSA PRIVATE KEY-----
    Proc-Type: 4,ENCRYPTED
    DEK-Info: AES-128-CBC,4B55E6EFE593E05E1801B09838E04062

    mDplllyKWPO4bHRc9FUugCirExs/E9EcZ6fHKOEvCAfsrm8BdEkPz3JZ0LOTPu3V
    1h4mv+EAZl4H+kW8/RE8wccToHh35kPU9vHkeEa5beNdabtO5ZczdIe2LJJJe+ft
    h8VinvXTwSRg6MO3DtGYsKwMsKyW+tKsNVhuHaYqGtpApSes6jtPLyh8FZXlEj2T
    8kgsyzOLNxhkQUvplgh1EQjNIAH/Bt1sjfe7t1FFWprP9Kwz/eTSBpGIDKkjX8Xn
    YhDYJVoznFJa9Q+LE8/HFnj7COxSqn+WyWZDB59qlhQTWZvDenCFF9LTGFAncTQV
    LC9YTPB2uuSQPXc4HaAwFn8G8IOsTyXgmM+4Nue30RsJhTOyu3HZ/H79Nw6UJq0B
    DhqkE2Xk5ZffZTq1lXaLL4aHSHR4eaLAs3E5xlrRAJqiR5Z+usuH6vYCJjCbqOb/
    xgi8lb0tpcxU+fO3640IBMNUr2BkU5+znFFFSrdjG1P+i2gIZ2fMdGiqzcSfyknv
    +t5t4+vB3YbGnS3aC9hKLRTdmfqdn3W2dcffL28KKupo3avUvxW4e9Fn2JVU22or
    ma4SbnBGPWkoi8iRi6s4nlMOb8RC4SQ2rX2loBb7WjhnqI2xQ/Bk0zYHR8Tegkh+
    +XH+EZVuNULOZwPazHhwSSq6aoIS600FoYJU3U/ha/ZyFJksMehss4Bo851D/rkV
    TACP54DKtuHt6gYwM3n/cfIkyGIqMx/K9nukkfG5Axl6GrGCxYRcU+w60T0ChsuQ
    kNSrU4nCLua3AyTQCCDhkbxY/CeaifirgI1w4XIjieRpotysXdxNNiAnpaWmH/FX
    pGysbu8T/FIY2GbTBGxia6yNX/3WhA11SYamVhcaZZMRfcWr7NaARNgQ/IxDuHYO
    5UkmJIpCCmEmlH61HkJFlSWEAradzkfBiLMqPMGQ7QtY3NuLxpU7PhbaAWpJYTLG
    WGpn4KtN1cdY9od1fBM4eW77qa7YfwjWvJhq7wOrjo7YzlEtrdz3CGBnMAoU58RC
    RowpRIYKHkzn0RXbu9o8riE3wKk/KOgRTWjCCX6WKmPTVISWgECVbPAYqUqeFkF5
    vIly6yT6abeF7enG1orm0lRU3A0X4BjeGnIj/1x2kYGYylWUJUaYsFLOKIVHCU61
    qDeHeV5z4lLIzL8clY5WPNWF671tysAVnP9fm9rHd3QmRGU0jfigiiKKH5NWXnjA
    T3HzYj7QxjvrvPA1uw1HGHfh1ShiN43a0Zl3lEVMrz1Ro17T9G0wvk1wxlOkBOUF
    OdnEhnwhRy3rtB608+B9JvNCiniqi6a0LT7MIHMlcK2owVL0U47ZF7c263RJ1xhr
    Li1lJzLg0cLW8ISbjorJzP8mIBn5WDd2r17RJ+Fk2WGO55ks8BwDt/OZ/63untyU
    CvgZ6t154ZtXDI0+m9zVAZS6yi1wheWH26oKakZKljaXyvXZoUMzQb3Gcfamfb48
    AHXd+0eplrmxZL7FurK6GK0dlZUf8RM1x4OB4ec1ieE37Ktp5t/i/aEyI7SCAXYM
    3vejJ2XIfB1IvoMZPhnOHFHOYZPoepasFsoe2HCk8877l/Zumqph3AAewBDcVT+r
    -----END RSA PRIVATE KEY-----
    """

  /// Its public key in SPKI.
  static let publicSPKI = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAji5i/w+b0rGU0FTE+rXF
    A/2jJnbkMbegnOgbM7CVkdIz7Clyaz0NpOnqONXYb6BfHoqSCR5HV39MlivVCrPf
    jw468dcGljpue6jZJuv/rxma6YdwC4cVoC0tmuzaqSrtnRKmgewQxhxZQrGPrv/W
    vWinF4AjX6/tlBDWzW2g+6/UWbq1dYdAE/MA0NmAadTa6rz38khQrVEZYSQu5L7C
    gzBn3dBI0TZGPiIxD5t/ayAhYq70nj1vW++/1krGXGeqavRkVQgQACABwGU/icwA
    R3y+U7rCFSdItlU9FkCvmUyBkOpOxcLwMkLyUvAFh8Vo/vdbXudvmhSva79LvmdT
    jQIDAQAB
    -----END PUBLIC KEY-----
    """

  /// Its public key in PKCS #1.
  static let publicPKCS1 = """
    -----BEGIN RSA PUBLIC KEY-----
    MIIBCgKCAQEAji5i/w+b0rGU0FTE+rXFA/2jJnbkMbegnOgbM7CVkdIz7Clyaz0N
    pOnqONXYb6BfHoqSCR5HV39MlivVCrPfjw468dcGljpue6jZJuv/rxma6YdwC4cV
    oC0tmuzaqSrtnRKmgewQxhxZQrGPrv/WvWinF4AjX6/tlBDWzW2g+6/UWbq1dYdA
    E/MA0NmAadTa6rz38khQrVEZYSQu5L7CgzBn3dBI0TZGPiIxD5t/ayAhYq70nj1v
    W++/1krGXGeqavRkVQgQACABwGU/icwAR3y+U7rCFSdItlU9FkCvmUyBkOpOxcLw
    MkLyUvAFh8Vo/vdbXudvmhSva79LvmdTjQIDAQAB
    -----END RSA PUBLIC KEY-----
    """

  /// Another public key.
  static let otherPublic = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4PdWLNOZR2AS8xaNr/q/
    iiRQ1uh/IPrwnv8GbZwz0SFs90DbZfoCvbrK09eqHLcfGrEwfL/ZZjEVWc0mKvzY
    /7MPF1V970CUqcY3xqFfyYkuTyo54alfPOeaRUi46lNfIMk3BuBLy0vn3RSDfuOA
    R05Blo3cXtRzIZ8wX9bhLwd1eIf8n2UW/HeZMK6nc/I1G/M/uStcqry4c7/LmgV/
    9v9+2Y97dFKMFXBwgieUK7uQR2oB2BYqfYSMpmFqogxYu67RVBG9mNufkldvj7r3
    2RcNYUtjdlfhwLKPjRP8fWB7Yf8yYofHdm/V/iRRKdXFi5K0U1XHL6HAylyFaDd2
    8QIDAQAB
    -----END PUBLIC KEY-----
    """

  /// P-256, PKCS #8.
  static let ec = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVLC2T9LoRjTCaCwO
    jzHVASPOkltlx26vDyiqdgsef2yhRANCAARrfVIzIWt9CRK0dFhVL82h2UYnM/Po
    jhO4cyW0NA24vuGOMZO0A8PoxED9Qx5AIyqQKDZhtcIB7EYKoW7IEdxC
    -----END PRIVATE KEY-----
    """

  /// P-256, SEC 1, with its parameters first.
  static let ecWithParameters = """
    -----BEGIN EC PARAMETERS-----
    BggqhkjOPQMBBw==
    -----END EC PARAMETERS-----
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIDrSeeZcAjfZN3AOh1Pi1C+xfJshXq/WmsKcKyQTSt6SoAoGCCqGSM49
    AwEHoUQDQgAEi9eElSrzsjVchDx4jXERbtVArQmCK/AWAzL4vvM5cyZixhtfaoNK
    zsnbmJNt13ql+npG+lrwmkrEKhAektkSaw==
    -----END EC PRIVATE KEY-----
    """

  static let ecPublic = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEa31SMyFrfQkStHRYVS/NodlGJzPz
    6I4TuHMltDQNuL7hjjGTtAPD6MRA/UMeQCMqkCg2YbXCAexGCqFuyBHcQg==
    -----END PUBLIC KEY-----
    """

  static let ed25519 = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIH5MzCR81Uwyalp4MOiwUjpUct7Pfyj5pIWlTafrWPEP
    -----END PRIVATE KEY-----
    """

  /// Restricted to RSASSA-PSS.
  static let pss = """
    -----BEGIN PRIVATE KEY-----
    MIIEuwIBADALBgkqhkiG9w0BAQoEggSnMIIEowIBAAKCAQEA06z9EBu5/ScWusf+
    FHL/+eQZFGZXDoXVrvKUewVc2OrEi4Jnt+eiiCCpKnP+x7vVrzHNqaNArWdTlWw9
    EyKIgN7BUTbbe77k9k0TODnwISa8gMWNDP9fbsLlDpvrCJUd2kJodLJqVP3gXC/m
    zoWKDWh7N9ILDaf/jrEzo5PhobYteC6vBJBH41cBVkjPdrkPmS7VNB6kpJ+eBhT2
    4SqDhWnocV6GAolJATEksYyyRIwQogEIY5izQbmiVvpGVYmkkFaz7hy4N2EDYgiR
    sUWwcdlVzD+nKf6+DDXdr/xYAo87YrC205MBuwsivFJn9EUJP89KB/nGvp30OUr9
    tm4dKQIDAQABAoIBAAhur/8cB6b6z2g97tR8N0/KYyhhok6xDK/lOH6FGmuGwLEp
    Dv4vw1UGbg7Do67rv+m0g3OiTgGKZ/VAJFe2jLcLiKp2U7yEgIUCUYVwI22CqEg9
    9m5B3xifuXXBRtXm8NNAyX36nItJuM4bV2e7QKJjmuMAolGXM3JJA1xdGAQz1dU6
    iRcpJN04nV84Zvn6mgvMlX+vsSk4Aib6J8X2B0wSvLpqzkqvyTeYgAy8nNlx5QCy
    ID8/Ei1mVUriVTcaq9y2VKOJEQGG3B4F0GnmKz7Ukk5+IckCpDAUfEoZqITNCoQR
    A2DL8vl9nJkCRsl5kAuCt9dEVckh8HoeloiVnU0CgYEA/CJtCmp6W+/0THO26ZKO
    iizzpqvWoUeKzg02gOAfW6LOAnpYRtXbUFn35E0PlcMcSHwl4sOBmlPvEC0PV1/r
    CX40fQbxRz4Swqbl1vgdlU7HOsjCtOTghVZVTCbuaLFQlXHxAS/uSrW4HxFFwlgR
    LKaZETl+uMXkI4rksKXVsT0CgYEA1uvFSe4F76Qb+XeKDwmXYrI0utlBxuu2ObPb
    OZ1XBqJateC2ms8HQsVOOKW6qFo9Q3gWhoq1EsEToOAX+wCD0LHGTSzE9/allQvX
    srw8wdUcC3cmulCll9Pj0TCc6drPw8Nxr9LTShxiLgqE9Q9cFliqQuhmNmX8wJHb
    4Tw3Ql0CgYEAzMKMeUQFwLo7VQc4SbH6zl45NWciM/Is2K/ETp80+C9cTIjdPhGZ
    PUUDW0X13TMJuhgQkHsjuphlcmaVqei8sQXsTIkh0zCm/auaxpzTMZk7lRLLhSrG
    56I4PVL0lNNDVUqmZcduJwAy2hAl7fGlaPSXJHTj49zaLL80f/z9cSUCgYA9vNid
    lhxqbJAEp4wnKbAtD9gJ3KMCi297P+k3sbTwGO9J09Vgvxvs2FTR/PmTpuh2WybN
    W0cMrh3/VqBM4Cb9ajP2s2eZe2axXAeINn6Vh6xYts+PMd9/r8R/sSFCJDMOnzQn
    N76uSV0CsM7kvpbLbIjsU2oZMk7a2ot5Nh0BmQKBgDITbmPluXy5Pl9EJgXL8iTv
    GXufuaml3iCspb9QlvQgl/4wKzftXkoimiKIBTXaKpR6MXbgeRbJpnYeGHqiO9zB
    v+j+IwtEmd6crjtSei+IoCxA4KU8mtceiasDa+3YBCBNI5/wTHnKna5H1+rJXCC4
    bRg4j3ivLaVlsw2Zndr5
    -----END PRIVATE KEY-----
    """

  /// 1024 bits.
  static let short = """
    -----BEGIN PRIVATE KEY-----
    MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALZVZXBASjK/9qP4
    BcCREvcSRMWjfoNZX8tiuGL/fzN47JzoTy83dRd8NGK9YHV8jKkAeMVeSh/7GHrL
    sRc2usToZDgcJOMnk9lUNroFnR+pJJnCNYtgbYiz8j/M/ELja62R39v//HiGtDy4
    wis9aZKUzHol7+G9/5Hkzlee4BMZAgMBAAECgYB6eRAC/1wXjLPp3a5Xc9sOVJoX
    O0O+jKj4353E+aOCeoZMuwp9R74CAW7aqCQDpp6A4o083aHiq3H9AZc5ZYy7lPRC
    hVLgS/6iJMgW8lt+osIQiWZy+PEO0IM+GJ9DVWCmBVXzAtXre/skSOzjaQRAq9Tx
    ynO4e83UxKLOZ1BLxQJBAPEVoXDh3JGRphO7mFGZDG9rIyVTJTZy9kBkZLRdDN/q
    EHiaUJbGAq4VZ7LuQgq5tzSvpy1PS3G/GHH/5UZKf/8CQQDBnUAzv0GzSKQzvPI5
    PosRYn4B3/LZF5Yohf7liA9jzcChhV9ZUdNmMV98uQY8IJckja4ZZmMLK3i9+Ri8
    WWznAkEAkWwm0dysG/LrZwPFwZK8eYj6zkz1KX73I6hrRpDKb1bVUKpk6k3O2At5
    XelyVN3psRIzmZU3QQmwSTO+rUPLKQJBAJiSz+43cJHU07kF06fytmqbwArALUKQ
    iL8kYOsGXoJauMtQLARaLAojLElAET6+u/yNPb48Zh5+QmcKbki2+88CQEzNVHVI
    DoZl29JWzsmajoZ3tJfnL/IqHUPdpM7DvvxQ+V+o9FI9M42UOaFJX+fBJ1pVFts6
    ZrXfT/L/HeOtCnw=
    -----END PRIVATE KEY-----
    """

  static let shortPublic = """
    -----BEGIN PUBLIC KEY-----
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2VWVwQEoyv/aj+AXAkRL3EkTF
    o36DWV/LYrhi/38zeOyc6E8vN3UXfDRivWB1fIypAHjFXkof+xh6y7EXNrrE6GQ4
    HCTjJ5PZVDa6BZ0fqSSZwjWLYG2Is/I/zPxC42utkd/b//x4hrQ8uMIrPWmSlMx6
    Je/hvf+R5M5XnuATGQIDAQAB
    -----END PUBLIC KEY-----
    """

  /// The output of `openssl dgst -sha256 -sign` for `abc` with `pkcs8`.
  static let signatureOfABC = """
    FuOAxFfFW9L7MEW6GEXWsF5T0SYF13wxTeFeRCt7lq+hWk23yZeLSTiLilXWyx+2\
    k4y9nxCzxPscIBqCe/itPjylo79pg/wNZhq8DRKMhTNx4qthD95F3I9y4ubsjIYH\
    s5YTjNwi/3+TLYgI+Xcrsf301Sy2qJ0epQtDmoNQ1+TvSzgqngBbKIzVRS83fS3J\
    RSoZE91jMGevhumbenYiK2AvQBjwDdgTQuINJC4tUQBYSsyy1GuURXkchSYyroav\
    dJSpOx/MT0M7z5KbcVmhPNbg1Ack1ogUjmc2MJAhsd2g00hdQJy8PzcSG512H//z\
    CjFXQ77ZERGXYzx8xqqRyw==
    """

  /// The key of RFC 7515 appendix A.2, and the token signed with it.
  static let exampleKey = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
    NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
    P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
    9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
    EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
    FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
    oQIDAQAB
    -----END PUBLIC KEY-----
    """
  static let exampleToken = """
    eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9\
    leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2Vt\
    Qgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKB\
    YNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN\
    9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI\
    8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
    """
}
