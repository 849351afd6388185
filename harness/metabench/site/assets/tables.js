// Tables that sort and filter; without this script they are as they stand in the page.
const PER_PAGE = 100;

for (const table of document.querySelectorAll("table.sortable")) {
  const paging = table.tBodies[0].rows.length > PER_PAGE;
  new DataTable(table, {
    autoWidth: false,
    order: [],
    paging,
    pageLength: PER_PAGE,
    layout: {
      topStart: "search",
      topEnd: paging ? "pageLength" : null,
      bottomStart: "info",
      bottomEnd: paging ? "paging" : null,
    },
    language: {
      search: "Filter",
      info: "_START_–_END_ of _TOTAL_",
      infoEmpty: "None",
      infoFiltered: "(of _MAX_)",
      zeroRecords: "Nothing matches the filter.",
      lengthMenu: "_MENU_ a page",
    },
  });
}
