extension MailAddress {
  /// Reads a mailbox that somebody gave to write to: `local@domain`, or `Name <local@domain>`.
  ///
  /// Reading mail is lenient; here nothing is guessed, since a wrong guess reaches a stranger.
  ///
  /// - Throws: what is wrong with it.
  package init(checking text: String) throws(MailBuildError) {
    let field = "address"
    try HeaderWriter.check(text, field)
    guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
      if let fault = AddressRules.fault(text) { throw MailBuildError(field, fault) }
      self.init(text)
      return
    }
    let address = text[text.index(after: open)...].dropLast()
    if let fault = AddressRules.fault(String(address)) { throw MailBuildError(field, fault) }
    let entries = AddressParser.parse(Array(text.utf8))
    guard entries.count == 1, case .mailbox(let mailbox)? = entries.first,
      mailbox.address == address
    else { throw MailBuildError(field, "is not of the form Name <local@domain>") }
    self = mailbox
  }
}
