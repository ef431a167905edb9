import Basics
import JSON
import JSONPath
import Testing

@Suite struct WorkBudgetTests {
  @Test(arguments: ["$", "$.a", "$..*", "$.a[?@.b==1]", "$[?match(@.x,'a*')]"])
  func `a sufficient budget does not change the result`(query: String) throws {
    let json = try JSON.parse(#"{"a":[{"b":1},{"b":2}],"c":{"x":"aaa"}}"#)
    let path = try JSONPath(query)
    let within = path.values(in: json, within: WorkBudget(units: 1_000))
    #expect(within?.map(\.sourceText) == path.values(in: json).map(\.sourceText))
    #expect(path.values(in: json, within: WorkBudget(units: 0)) == nil)
  }

  @Test func `queries share one budget`() throws {
    let json = try JSON.parse("[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]")
    let path = try JSONPath("$[*]")
    let budget = WorkBudget(units: 500)
    var runs = 0
    while path.values(in: json, within: budget) != nil { runs += 1 }
    #expect((1...5).contains(runs) && budget.isSpent)
  }

  @Test(arguments: [
    "$..*..*..*..*..*", "$..[?@..zz]", "$..*[?count(@..*)==0]",
  ])
  func `a query with polynomial cost stops early`(query: String) throws {
    var text = #""aaaaaaaaaaaaaaaaaaaa""#
    for _ in 0..<200 { text = #"{"a":\#(text),"b":["aaaaaaaaaaaaaaaa",2]}"# }
    let json = try JSON.parse(text)
    let budget = WorkBudget(units: 20_000)
    #expect(try JSONPath(query).values(in: json, within: budget) == nil)
  }
}
