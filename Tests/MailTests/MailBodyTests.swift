import Mail
import Testing

@Suite struct MailBodyTests {
  /// A random multipart. Each text is a unique word, and some are blank.
  private struct Tree {
    var random: RandomSource
    var words: [String] = []

    mutating func lines(depth: Int, boundary: String) -> [String] {
      if depth == 4 || random.pick(0...2) == 0 {
        let word = "word\(words.count)."
        let isBlank = random.pick(0...3) == 0
        let isHTML = random.pick(0...1) == 0
        if !isBlank { words.append(word) }
        return ["Content-Type: text/\(isHTML ? "html" : "plain")", "", isBlank ? " " : word]
      }
      let kind = ["mixed", "alternative", "related"][random.pick(0...2)]
      var lines = ["Content-Type: multipart/\(kind); boundary=\(boundary)", ""]
      for number in 0...random.pick(0...3) {
        let inner = self.lines(depth: depth + 1, boundary: "\(boundary).\(number)")
        lines += ["--\(boundary)"] + inner
      }
      return lines + ["--\(boundary)--"]
    }
  }

  private struct RandomSource {
    var generator: SystemRandomNumberGenerator

    mutating func pick(_ range: ClosedRange<Int>) -> Int {
      Int.random(in: range, using: &generator)
    }
  }

  @Test func `no text is hidden from both renderings, and each keeps the order`() {
    for _ in 0..<500 {
      var tree = Tree(random: RandomSource(generator: SystemRandomNumberGenerator()))
      let lines = tree.lines(depth: 0, boundary: "b")
      let body = MailBody(of: Mails.message(lines))
      let rendered = body.rendered(body.parts.map(\.text))
      let both = (rendered?.plain ?? "") + (rendered?.html ?? "")
      for word in tree.words { #expect(both.contains(word), "\(word) of \(lines)") }
      for text in [rendered?.plain ?? "", rendered?.html ?? ""] {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        #expect(numbers == numbers.sorted(), "\(lines)")
      }
    }
  }

  @Test func `an unavailable text does not hide the others`() {
    let mail = Mails.message([
      "Content-Type: multipart/alternative; boundary=b", "", "--b", "", "plain", "--b",
      "Content-Type: text/html", "", "<p>html</p>", "--b--",
    ])
    let body = MailBody(of: mail)
    #expect(body.rendered([nil, "<p>html</p>"])?.plain == "html")
    #expect(body.rendered(["plain", nil])?.html == "<pre>plain</pre>")
    #expect(body.rendered([nil, nil]) == nil)
    #expect(MailBody(of: Mails.message(["Content-Type: image/png", "", "x"])).rendered([]) == nil)
  }
}
