import JSON

/// An address that a mailbox can send as.
struct GmailSendAs {
  let address: String
  let name: String
  var isPrimary = false
  /// Whether its owner confirmed it. Only addresses outside of the directory have a status.
  var isVerified: Bool?

  var isUsable: Bool { isVerified ?? true }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("sendAsEmail", address)
      writer.member("displayName", name)
      writer.member("replyToAddress", "")
      writer.member("signature", "")
      if isPrimary {
        writer.member("isPrimary", true)
        writer.member("isDefault", true)
      } else {
        writer.member("treatAsAlias", true)
      }
      writer.member(ifPresent: "verificationStatus", isVerified.map { $0 ? "accepted" : "pending" })
    }
  }
}

/// users.settings.sendAs: list and get.
extension GmailCall {
  /// The main address, the aliases of the directory, and those that the user added.
  func sendAs(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> [GmailSendAs] {
    let name = "\(caller.givenName) \(caller.familyName)"
    return [GmailSendAs(address: caller.email, name: name, isPrimary: true)]
      + caller.aliases.map { GmailSendAs(address: $0, name: name) }
      + (try mailbox(&domain)).addedSendAs
  }

  func sendAsList(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let all = try sendAs(&domain)
    return JSONFragment { writer in
      writer.object { writer in
        writer.name("sendAs")
        writer.array { writer in for one in all { one.write(to: &writer) } }
      }
    }
  }

  func sendAs(
    _ address: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    let wanted = address.lowercased()
    guard let found = try sendAs(&domain).first(where: { $0.address.lowercased() == wanted }) else {
      throw .notFound
    }
    return JSONFragment { found.write(to: &$0) }
  }
}
