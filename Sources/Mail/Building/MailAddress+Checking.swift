extension MailAddress {
  /// Parses a mailbox to send to: `local@domain`, or `Name <local@domain>`.
  ///
  /// Strict, unlike the reading of mail: a wrong guess would reach a stranger.
  ///
  /// - Throws: the reason why the text is rejected.
  package init(checking text: String) throws(MailBuildError) {
    let field = "address"
    try HeaderWriter.check(text, field)
    guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
      if let fault = AddressRules.problem(text) { throw MailBuildError(field, fault) }
      self.init(text)
      return
    }
    let address = text[text.index(after: open)...].dropLast()
    if let fault = AddressRules.problem(String(address)) { throw MailBuildError(field, fault) }
    let entries = AddressParser.parse(Array(text.utf8))
    guard entries.count == 1, case .mailbox(let mailbox)? = entries.first,
      mailbox.address == address
    else { throw MailBuildError(field, "must have the form Name <local@domain>") }
    self = mailbox
  }
}
