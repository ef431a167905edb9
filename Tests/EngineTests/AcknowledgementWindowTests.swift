import JSON
import Testing

@testable import Engine

@Suite struct AcknowledgementWindowTests {
  private func window(maximum: Int = 3) -> AcknowledgementWindow {
    AcknowledgementWindow(from: FeedPosition(), maximum: maximum)
  }

  @Test func anAcknowledgementMovesThePositionPastAllEventsBeforeIt() {
    var window = window()
    #expect(window.lastAcknowledged == -1)
    #expect(window.add([.cursor("a")]) == 0)
    #expect(window.add([.cursor("b")]) == 1)
    #expect(window.add([.cursor("c")]) == 2)
    #expect(window.isFull)
    #expect(window.acknowledging(through: 1).position.cursor == "b")
    #expect(window.position.cursor == nil)
    window.acknowledge(through: 1)
    #expect(window.position.cursor == "b")
    #expect(window.lastAcknowledged == 1 && window.count == 1 && !window.isFull)
    window.acknowledge(through: 0)
    #expect(window.position.cursor == "b" && window.count == 1)
  }

  @Test func whatIsPassedCountsWithTheEventBeforeIt() {
    var window = window()
    let passed1 = window.pass([.cursor("a")])
    #expect(passed1)
    let passed2 = window.pass([.cursor("a")])
    #expect(!passed2)
    _ = window.add([.cursor("b")])
    let passed3 = window.pass([.cursor("c")])
    #expect(!passed3)
    #expect(window.position.cursor == "a")
    window.acknowledge(through: 0)
    #expect(window.position.cursor == "c")
  }

  @Test func keysStandBetweenTwoCursors() {
    var position = FeedPosition(cursor: "a")
    position.take(.event(key: "1"))
    position.take(.event(key: "2"))
    #expect(position.keys == ["1", "2"] && position.cursor == "a")
    position.take(.cursor("b"))
    #expect(position.keys == [] && position.cursor == "b")
  }

  @Test func keysOfAnEarlierFollowerStayUntilTheirEventsComeAgain() throws {
    let json = try JSON.parse(#"{"cursor":"a","acknowledged":["1","2"]}"#)
    var position = try #require(FeedPosition(json))
    position.take(.event(key: "2"))
    position.take(.cursor("b"))
    #expect(position.keys == ["1"])
    let written = JSONFragment { writer in writer.object { position.write(to: &$0) } }
    #expect(written.text == #"{"cursor":"b","acknowledged":["1"]}"#)
  }

  @Test func theNumberOfKeysIsLimited() {
    var position = FeedPosition()
    for number in 0...FeedPosition.maximumKeys { position.take(.event(key: "\(number)")) }
    #expect(position.keys.count == FeedPosition.maximumKeys && position.keys.first == "1")
  }
}
