import Basics
import Crypto
import JSON

/// The service accounts of the sandbox. Both have the same key.
///
/// The key was generated for the sandbox. It is public and protects nothing.
enum GoogleServiceAccount {
  static let email = "sallyport@sandbox-project.iam.gserviceaccount.com"
  /// By account: the scopes that the administrator granted to it, for the whole domain.
  static let delegated: [String: Set<GoogleScope>] = [
    email: GoogleScope.documented,
    "sallyport-narrow@sandbox-project.iam.gserviceaccount.com": GoogleScope.narrow,
  ]
  static let keyID = "5a11e9047c0ffee05a11e9047c0ffee05a11e904"
  static let clientID = "100400000000000004677"

  /// Whether the signature (RS256, RFC 7518 section 3.3) matches the key.
  static func hasSigned(_ text: [UInt8], _ signature: [UInt8]) -> Bool {
    guard let key = try? RSAPublicKey(pem: publicKey) else {
      preconditionFailure("the sandbox's key is invalid")
    }
    return (try? key.verify(signature, of: text)) ?? false
  }

  /// The key file in the format of the cloud console, with the addresses of the sandbox.
  static func keyFile(origin: String) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("type", "service_account")
        writer.member("project_id", "sandbox-project")
        writer.member("private_key_id", keyID)
        writer.member("private_key", privateKey)
        writer.member("client_email", email)
        writer.member("client_id", clientID)
        writer.member("auth_uri", origin + Gmail.consentPath)
        writer.member("token_uri", origin + Gmail.tokenPath)
        writer.member("universe_domain", "googleapis.com")
      }
    }
  }

  private static let publicKey = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAohZH9W/BxQ6ttUXz67k1
    Eigv8J1YIDOp38tRkr44ntY8B2htsmpUpg5QMRkyfQAr1zjhn/AsUqCRvEZfKwu7
    dDLfSBZrP72oTcKV4Phvtkb4qtNhShF4Lc8Z/Jgp779M5qpU18YJgD3MdHhN3k1+
    +kkeheCiXwsjnPYKKsbM8Uux5fDxsiLJ7lKGMBh8NUth2SA4j5gdFZEfVkZjAPtz
    3y8HIYy1Hgxs2xcssEkZwmECIvxlW/3XBUvrXaNSTTAondRgtfuUQdz4F4XGjY2s
    x6i+B/uniwiKwrTcWbw4K+ARPW+/IHvalvUUT8M4D0W1PjQ+PIVP1xACiw8dCNVU
    5QIDAQAB
    -----END PUBLIC KEY-----

    """

  private static let privateKey = """
    -----BEGIN PRIVATE KEY-----
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCiFkf1b8HFDq21
    RfPruTUSKC/wnVggM6nfy1GSvjie1jwHaG2yalSmDlAxGTJ9ACvXOOGf8CxSoJG8
    Rl8rC7t0Mt9IFms/vahNwpXg+G+2Rviq02FKEXgtzxn8mCnvv0zmqlTXxgmAPcx0
    eE3eTX76SR6F4KJfCyOc9goqxszxS7Hl8PGyIsnuUoYwGHw1S2HZIDiPmB0VkR9W
    RmMA+3PfLwchjLUeDGzbFyywSRnCYQIi/GVb/dcFS+tdo1JNMCid1GC1+5RB3PgX
    hcaNjazHqL4H+6eLCIrCtNxZvDgr4BE9b78ge9qW9RRPwzgPRbU+ND48hU/XEAKL
    Dx0I1VTlAgMBAAECggEAO4wuAZh+OrQq0zcQ5uATBEmpWx+jOalhVmuu21dxG8Gf
    KiWOb4aq9Jq7kV4tc0j10kr+cTDeR7jf8ah03C6iPo1WBHjgC/nUdETxpUYAXJn0
    T2X7Dygd286DQI5ykbbZPMEFDISgBvItQ/jSusIDzVXBlfOyE3LXMZoeoBqLPnY3
    SicAaitj+MuwTcB4E2NvBcd5xHMBfk/7MrvSuLw6boeYu5JAL5UntWNimsQyurf3
    W/iN51oFOfNUDVzNe1RF6HWsoniwnGSDR/yV0i6pyq9OdjOHJB2X81veTSsbbMHf
    zvhp/pdyos3P+jMBvqd1tdn6UiQxak+ckFJRzg2gPQKBgQDg/sItJQ54bj0QD1Nb
    10felBxAAcCLGGECBbB0MZKmeuyW8i9H+S109kpUTht8IxkOZMKP6jQzBh1ZT/Ub
    4zY8G4h3zMZNu7DqGb1nbZKOPHzAnsm4OvHBk+L28eGM0uBx2BUNS3lRYuIG8JFN
    w3ROiyfBHbJ/7HIFoTbeKGqaMwKBgQC4bEndN4AA3G5hY8zQy3L9oHM+006UwAZC
    ZL6pTJu1jlfGZFjeGG1grrNkF/nG2HHlj1ZXSkyVwpd7XepR7ftmNkc4SAwKpAQv
    oJ8mtghz61pV6+lqyuBmT6/i3TZDMU3UZp3/xMTwa+wmaVE9Q/2ASeVpi2s+xCCD
    trQPyq3shwKBgAjAP+Mrns12VC+suOxIikYQ8qxWpRuD3joK6JsMVozdGRih4M7m
    1SrIbYmr5AvG/bF+n8ajMFaPtVKE9p6YDsL1uzAVqdzaIP5p8+Dy9RFNLvj69BOT
    T1XdH6XFMKWeihZDdkYnGlfdBbeJYc1pfbuUU/6B3jB1jNXFOHIZllPbAoGBALgI
    3+DQPH0fe0rWY5HMJFDyZ26/QMBxqw1gKV8aopuXkwHYK1JeP+/mBgARaODEJ0x0
    MC3lZ+1ehPnH60ec223RJlsEknef2smIWKkxp9e9eaUaSRCXqTyPsq4KH9cHgWo+
    iNauDfT5TWu7VyVzDqqRk0wyo2+8GdI2ZRMJJ2xLAoGALO0wv3zhl5yaMUI+QTvn
    vuD6xf+W3sl4nPpl0gzLJcab/dPKM5fsHhJxzfUIiYgPfvNYgbFy+/UbSDK9ocHS
    8TM62nm3g3HY/+iSqvfh9SQwCr15uPyJZficusnk9XUerDIGSak+Xxxibc164Z40
    Pe++5FmY+bSXGoDZzyabua8=
    -----END PRIVATE KEY-----

    """
}
