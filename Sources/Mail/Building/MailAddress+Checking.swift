extension MailAddress {
  /// Parses a mailbox to send to: `local@domain`, or `Name <local@domain>`. Spaces around it are
  /// ignored, comments of the name are kept, and the domain is written in ASCII.
  ///
  /// A local part that is not ASCII stays as it is: Gmail sends such mail with SMTPUTF8 (RFC 6531).
  ///
  /// Strict, unlike the reading of mail: a wrong guess would reach a stranger.
  ///
  /// - Throws: the reason why the text is rejected.
  package init(checking text: String) throws(MailBuildError) {
    let field = "address"
    try HeaderWriter.check(text, field)
    let text = String(decoding: ASCII.trimmed(Array(text.utf8)), as: UTF8.self)
    let scan = Scan(text)
    guard scan.addresses < 2 else {
      throw MailBuildError(field, "has several addresses; use one item per address")
    }
    guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
      self.init(try Self.checked(text[...], field))
      return
    }
    let address = text[text.index(after: open)...].dropLast()
    let checked = try Self.checked(address, field)
    let entries = AddressParser.parse(Array(text.utf8))
    guard entries.count == 1, case .mailbox(let mailbox)? = entries.first,
      mailbox.address == address
    else {
      throw MailBuildError(
        field,
        scan.needsQuotes
          ? "has a name with one of , ; : ( ) < >; put the name in quotes: "
            + #""Doe, Jane" <local@domain>"#
          : "must have the form Name <local@domain>")
    }
    self.init(name: mailbox.name, checked)
    if scan.hasComment { name = Self.wholeName(text[..<open]) }
  }

  /// The address with its domain in ASCII.
  private static func checked(
    _ address: Substring, _ field: String
  ) throws(MailBuildError) -> String {
    var ascii = String(address)
    // By bytes: a mark may follow the @.
    if let at = address.utf8.lastIndex(of: ASCII.at) {
      let domain = address.utf8.index(after: at)
      do throws(DomainProblem) {
        ascii = "\(address[..<domain])\(try DomainName.ascii(address[domain...]))"
      } catch {
        throw MailBuildError(field, error.reason)
      }
    }
    if let fault = AddressRules.problem(ascii) { throw MailBuildError(field, fault) }
    return ascii
  }

  /// The name with its comments, without the quotes of quoted strings.
  private static func wholeName(_ phrase: Substring) -> String {
    var name: [UInt8] = []
    var (isQuoted, isEscaped) = (false, false)
    for byte in phrase.utf8 {
      if isEscaped {
        isEscaped = false
      } else if byte == ASCII.backslash {
        isEscaped = true
        continue
      } else if byte == ASCII.quote {
        isQuoted.toggle()
        continue
      }
      name.append(byte)
    }
    return EncodedWords.decode(Array(ASCII.trimmed(name)))
  }

  /// What a text has outside of quoted strings.
  private struct Scan {
    /// Words with @, separated by commas, semicolons or white space.
    var addresses = 0
    var needsQuotes = false
    var hasComment = false

    init(_ text: String) {
      let beforeAngle = text.utf8.lastIndex(of: ASCII.less) ?? text.utf8.startIndex
      var (isQuoted, isEscaped, isCounted) = (false, false, false)
      var depth = 0
      for index in text.utf8.indices {
        let byte = text.utf8[index]
        if isEscaped {
          isEscaped = false
          continue
        }
        switch byte {
        case ASCII.backslash: isEscaped = true
        case ASCII.quote where depth == 0: isQuoted.toggle()
        case _ where isQuoted: break
        case ASCII.open:
          depth += 1
          if index < beforeAngle { (hasComment, needsQuotes) = (true, true) }
        case ASCII.close: depth -= 1
        case _ where depth > 0: break
        case ASCII.at:
          if !isCounted { addresses += 1 }
          isCounted = true
        case ASCII.comma, ASCII.semicolon, ASCII.space, ASCII.tab, ASCII.less:
          isCounted = false
          if index < beforeAngle, byte != ASCII.space, byte != ASCII.tab { needsQuotes = true }
        case ASCII.colon:
          if index < beforeAngle { needsQuotes = true }
        default: break
        }
      }
    }
  }
}
