import Testing

@testable import Basics

@Suite struct UniqueIDTests {
  @Test func `an identifier has the form of version 4, and none comes twice`() throws {
    let form = #/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/#
    let made = (0..<1_000).map { _ in UniqueID.make() }
    for id in made { #expect(id.wholeMatch(of: form) != nil, "\(id)") }
    #expect(Set(made).count == made.count)
    // Each digit that is not fixed takes all values.
    for position in [0, 7, 9, 15, 20, 24, 35] {
      let digits = Set(made.map { $0[$0.index($0.startIndex, offsetBy: position)] })
      #expect(digits.count == 16, "\(position)")
    }
  }
}
