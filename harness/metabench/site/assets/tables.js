// Tables that sort and filter; without this script they are as they stand in the page.
const PER_PAGE = 100;
// So few rows are seen at a glance.
const UNFILTERED = 4;

for (const table of document.querySelectorAll("table.sortable")) {
  const { length } = table.tBodies[0].rows;
  const paging = length > PER_PAGE;
  const filtering = length > UNFILTERED;
  new DataTable(table, {
    autoWidth: false,
    order: [],
    paging,
    pageLength: PER_PAGE,
    layout: {
      topStart: filtering ? "search" : null,
      topEnd: paging ? "pageLength" : null,
      bottomStart: filtering ? "info" : null,
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
