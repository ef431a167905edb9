/// Parses the bytes of a mail into a tree of parts (RFC 2046).
///
/// One pass with a stack of open parts. Each possible delimiter line is looked up among the open
/// boundaries, so depth adds no cost.
struct MIMEReader {
  private let source: [UInt8]
  private let lines: SourceLines
  private var budget: Budget
  private let prefix: String
  private var open: [OpenPart] = []
  /// The position in `open` of the multipart with a boundary.
  private var boundaries: [ArraySlice<UInt8>: Int] = [:]

  /// The remaining limits.
  struct Budget {
    let limits: MailLimits
    var parts = 0
    var headers = 0
    /// How many bytes of encoded embedded mails may be decoded. Keeps the total time linear.
    var decodedBytes: Int
    var isExceeded = false
  }

  private struct OpenPart {
    let head: PartHead
    let id: String
    let bodyStart: Int
    /// For an open multipart: the line that starts a part. A closing delimiter has `--` after it.
    var delimiter: ArraySlice<UInt8>?
    /// The outer multipart with the same boundary, hidden while this one is open.
    var hidden: Int?
    var parts: [MailPart] = []
    var preambleEnd: Int?
    var epilogueStart: Int?
    var isMail = false
  }

  static func read(_ source: [UInt8], limits: MailLimits) -> MailMessage {
    var budget = Budget(limits: limits, decodedBytes: source.count * 4)
    let root = read(source, id: "", depth: 0, &budget)
    return MailMessage(root: root, isTruncated: budget.isExceeded)
  }

  private static func read(
    _ source: [UInt8], id: String, depth: Int, _ budget: inout Budget
  ) -> MailPart {
    source.withUnsafeBufferPointer { bytes in
      var reader = MIMEReader(
        source: source, lines: SourceLines(bytes), budget: budget, prefix: id, depth: depth)
      let root = reader.read()
      budget = reader.budget
      return root
    }
  }

  /// The number of enclosing parts, if the source is an encoded embedded mail.
  private let depth: Int

  private init(
    source: [UInt8], lines: SourceLines, budget: Budget, prefix: String, depth: Int
  ) {
    self.source = source
    self.lines = lines
    self.budget = budget
    self.prefix = prefix
    self.depth = depth
  }

  private mutating func read() -> MailPart {
    let count = source.count
    var at = start(at: 0, id: prefix, default: .plainText)
    while at < count, !boundaries.isEmpty {
      let line = lines.line(at: at)
      if let (level, isClosing) = delimiter(line.content) {
        closeParts(above: level, at: at)
        let isFull = !isClosing && budget.parts >= budget.limits.parts
        if isClosing || isFull {
          endParts(of: level, epilogueAt: isFull ? at : line.next)
          if isFull {
            budget.isExceeded = true
            break
          }
          at = line.next
        } else {
          at = startPart(of: level, at: line.next)
        }
      } else {
        at = line.next
      }
    }
    return closeAll()
  }

  // MARK: Delimiters

  /// The level of the multipart that a delimiter line belongs to, and whether it is the closing
  /// delimiter (RFC 2046 section 5.1.1). Trailing white space is allowed.
  private func delimiter(_ line: Range<Int>) -> (level: Int, isClosing: Bool)? {
    let bytes = lines.bytes
    guard line.count > 2, bytes[line.lowerBound] == ASCII.hyphen,
      bytes[line.lowerBound + 1] == ASCII.hyphen
    else { return nil }
    var end = line.upperBound
    while bytes[end - 1] == ASCII.space || bytes[end - 1] == ASCII.tab { end -= 1 }
    if let level = boundaries[source[line.lowerBound..<end]] { return (level, false) }
    guard end - line.lowerBound > 4, bytes[end - 1] == ASCII.hyphen, bytes[end - 2] == ASCII.hyphen,
      let level = boundaries[source[line.lowerBound..<(end - 2)]]
    else { return nil }
    return (level, true)
  }

  private mutating func removeBoundary(of level: Int) {
    guard let delimiter = open[level].delimiter else { return }
    boundaries[delimiter] = open[level].hidden
    open[level].delimiter = nil
  }

  // MARK: Starting

  private mutating func startPart(of level: Int, at position: Int) -> Int {
    let isDigest = open[level].head.mediaType.subtype == "digest"
    return start(
      at: position, id: child(of: level), default: isDigest ? .message : .plainText)
  }

  private func child(of level: Int) -> String {
    let id = open[level].id
    let number = String(open[level].parts.count)
    return id.isEmpty ? number : id + "." + number
  }

  /// Opens the entity whose header starts at `position`, and a mail inside it. Returns the start of
  /// the body.
  private mutating func start(at position: Int, id: String, default type: MediaType) -> Int {
    budget.parts += 1
    let boundaries = self.boundaries
    let block = HeaderBlock(
      lines, of: source, at: position, maximum: budget.limits.headers - budget.headers,
      isDelimiter: { [self] line in !boundaries.isEmpty && delimiter(line) != nil })
    budget.headers += block.fields.count
    if budget.headers >= budget.limits.headers || block.isTruncated { budget.isExceeded = true }
    let head = PartHead(MailHeaders(block.fields), default: type)
    open.append(OpenPart(head: head, id: id, bodyStart: block.end))
    let level = open.count - 1
    let isContainer = head.mediaType.isMultipart || head.mediaType.isMail
    guard isContainer else { return block.end }
    guard depth + level < budget.limits.nesting else {
      budget.isExceeded = true
      return block.end
    }
    if head.mediaType.isMail {
      guard head.transferEncoding == .identity, budget.parts < budget.limits.parts else {
        return block.end
      }
      open[level].isMail = true
      return start(at: block.end, id: child(of: level), default: .plainText)
    }
    if let boundary = head.boundary, !boundary.isEmpty {
      let delimiter = Array(("--" + boundary).utf8)[...]
      open[level].delimiter = delimiter
      open[level].hidden = self.boundaries.updateValue(level, forKey: delimiter)
    }
    return block.end
  }

  // MARK: Ending

  /// Closes all parts inside the multipart at `level`, before its delimiter.
  private mutating func closeParts(above level: Int, at position: Int) {
    while open.count > level + 1 { closeLast(at: position, isDelimited: true) }
    if open[level].preambleEnd == nil { open[level].preambleEnd = position }
  }

  private mutating func endParts(of level: Int, epilogueAt position: Int) {
    open[level].epilogueStart = position
    removeBoundary(of: level)
  }

  private mutating func closeAll() -> MailPart {
    while open.count > 1 { closeLast(at: source.count, isDelimited: false) }
    return finish(open[0], level: 0, end: source.count)
  }

  private mutating func closeLast(at position: Int, isDelimited: Bool) {
    removeBoundary(of: open.count - 1)
    let part = open.removeLast()
    let end =
      isDelimited ? lines.withoutLineBreak(before: position, from: part.bodyStart) : position
    let level = open.count
    open[level - 1].parts.append(finish(part, level: level, end: end))
  }

  private mutating func finish(_ part: OpenPart, level: Int, end: Int) -> MailPart {
    let body = source[part.bodyStart..<max(end, part.bodyStart)]
    let content = MailContent.encoded(body, part.head.transferEncoding)
    if part.isMail { return part.head.part(id: part.id, content: content, parts: part.parts) }
    if part.head.mediaType.isMail, let root = decodedMail(part, level: level, body) {
      return part.head.part(id: part.id, content: content, parts: [root])
    }
    guard !part.parts.isEmpty else { return part.head.part(id: part.id, content: content) }
    let preambleEnd = lines.withoutLineBreak(
      before: part.preambleEnd ?? part.bodyStart, from: part.bodyStart)
    let epilogueStart = min(part.epilogueStart ?? end, body.endIndex)
    return part.head.part(
      id: part.id, content: .empty, parts: part.parts,
      preamble: source[part.bodyStart..<preambleEnd],
      epilogue: source[epilogueStart..<body.endIndex])
  }

  /// The root of an encoded embedded mail. RFC 2046 section 5.2.1 forbids the encoding, but it
  /// occurs.
  private mutating func decodedMail(
    _ part: OpenPart, level: Int, _ body: ArraySlice<UInt8>
  ) -> MailPart? {
    guard part.head.transferEncoding != .identity else { return nil }
    guard depth + level < budget.limits.nesting, budget.parts < budget.limits.parts,
      body.count <= budget.decodedBytes
    else {
      budget.isExceeded = true
      return nil
    }
    budget.decodedBytes -= body.count
    let bytes = part.head.transferEncoding.decode(body)
    let id = part.id.isEmpty ? "0" : part.id + ".0"
    return Self.read(bytes, id: id, depth: depth + level + 1, &budget)
  }
}
